"""Question and passages in, scored spans out: the only home of the reader runtimes."""
