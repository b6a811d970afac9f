"""English word lists: verbs with their forms, and the closed classes that mark where a phrase begins or ends.

Going from a verb's base form to its past is certain where the way back is not ("hoped" is not "hop"), so a word counts
as a verb form only if a verb listed here has it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """`takes_person`: its object is usually someone, so "what" may be the wrong word.

    `stands_alone`: "when did it <base>?" is a whole question. `agentive`: whoever does it can be asked for with "who".
    `never_noun`: neither its base nor its third person is also a noun.
    """

    base: str
    third: str
    past: str
    participle: str
    takes_person: bool = False
    stands_alone: bool = False
    agentive: bool = False
    never_noun: bool = False


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_REGULAR = """
accept achieve acquire add adopt affect allow announce approve argue arrange arrest arrive assess attack attend award
ban bar base borrow build cancel capture carry cause celebrate change charge check claim clean close collect complete
concern conclude conduct confirm connect consider construct contain control convert cover create criticise cross damage
decide declare defeat defend delay deliver demand demonstrate deny depart describe design destroy detect develop die
disappear discover discuss display donate double draft drop earn employ enable end enter establish evacuate examine
exceed exchange exclude expand expect explain explore export express extend fail feature file fill finish fix found
fund gather grant handle happen highlight host identify import improve include increase inform inspect install
introduce invent invest investigate invite issue join kill land launch lift limit list locate lower maintain manage
mark measure mention move name need observe obtain occur offer open operate order organise organize own pass perform
place plan plant post praise prepare present prevent produce promise propose protect prove provide publish pull purchase
push raise reach recall receive recommend record recover reduce refuse register reject release remove rename repair
replace replant report request require rescue resign resolve restore restrict resume retire return reveal review sail
save select serve share shift ship sign specify sponsor stage start state stop store study submit suffer suggest
supply support suspend target test thank threaten touch trace track train transfer transport travel treat try uncover
use visit vote want warn wash weigh welcome witness work yield
"""
_IRREGULAR = """
become became become; begin began begun; break broke broken; bring brought brought; build built built;
buy bought bought; catch caught caught; choose chose chosen; come came come; cost cost cost; cut cut cut;
deal dealt dealt; draw drew drawn; drive drove driven; fall fell fallen; fight fought fought; find found found;
fly flew flown; forbid forbade forbidden; give gave given; go went gone; grow grew grown; hear heard heard;
hide hid hidden; hit hit hit; hold held held; keep kept kept; know knew known; lead led led; leave left left;
lend lent lent; lose lost lost; make made made; mean meant meant; meet met met; pay paid paid; put put put;
read read read; rise rose risen; run ran run; say said said; see saw seen; sell sold sold; send sent sent; set set set;
shut shut shut; sink sank sunk; speak spoke spoken; spend spent spent; spread spread spread; stand stood stood;
steal stole stolen; strike struck struck; take took taken; teach taught taught; tell told told;
think thought thought; throw threw thrown; understand understood understood; wear wore worn; win won won;
write wrote written
"""
_DOUBLES = _words("ban bar drop plan stop ship submit transfer")  # the last letter, before -ed
_TAKES_PERSON = _words(
    "arrest attack bring criticise defeat defend employ evacuate inform invite join kill lead marry meet name praise "
    "rescue teach tell thank train treat visit warn welcome"
)
_STANDS_ALONE = _words(
    "arrive begin close come depart die disappear end fall finish happen land launch leave occur open resign resume "
    "retire return sail sink start"
)
_AGENTIVE = _words(
    "announce approve award bring build buy choose conduct confirm create criticise declare decide defeat deny "
    "describe design discover donate draft establish examine explain explore find found fund give grant host inspect "
    "install introduce invent investigate invite join launch lead meet open organise organize own perform plant "
    "praise present propose publish purchase raise recommend refuse reject release report rescue resign reveal review "
    "say sell send sign specify sponsor steal study suggest thank visit warn win witness write"
)
_NEVER_NOUN = _words(
    "achieve acquire add adopt allow announce approve bring choose collect connect contain create decide deliver "
    "describe destroy develop discover employ enable establish examine expand explain identify improve include "
    "install introduce invent keep maintain observe obtain organise organize own prepare prevent produce protect "
    "prove provide publish receive recommend reduce remove replace require restore sell send submit suggest write"
)
DULL_VERBS = _words(
    "make take have do get give keep let help mean need want know think see say tell suggest fail cause draw hold run "
    "place put set hit cut spread bring meet raise reach"
)
"""Verbs with which "what did it ...?" is no question worth asking."""


def _regular_past(base: str) -> str:
    if base.endswith("e"):
        return base + "d"
    if base.endswith("y") and base[-2] not in "aeiou":
        return base[:-1] + "ied"
    return base + (base[-1] if base in _DOUBLES else "") + "ed"


def _third(base: str) -> str:
    if base.endswith("y") and base[-2] not in "aeiou":
        return base[:-1] + "ies"
    return base + ("es" if base.endswith(("s", "sh", "ch", "x", "z", "o")) else "s")


def _every_verb() -> tuple[Verb, ...]:
    forms = {base: (_regular_past(base), _regular_past(base)) for base in _REGULAR.split()}
    for entry in _IRREGULAR.split(";"):
        base, past, participle = entry.split()
        forms[base] = (past, participle)
    return tuple(
        Verb(
            base=base,
            third=_third(base),
            past=past,
            participle=participle,
            takes_person=base in _TAKES_PERSON,
            stands_alone=base in _STANDS_ALONE,
            agentive=base in _AGENTIVE,
            never_noun=base in _NEVER_NOUN,
        )
        for base, (past, participle) in forms.items()
    )


_VERBS = _every_verb()


BY_BASE = {verb.base: verb for verb in _VERBS}
BY_THIRD = {verb.third: verb for verb in _VERBS}
BY_PAST = {verb.past: verb for verb in _VERBS}
BY_PARTICIPLE = {verb.participle: verb for verb in _VERBS}
AUXILIARIES = _words(
    "am is are was were be been being has have had do does did can could may might must shall should will would"
)
FINITE = AUXILIARIES | frozenset(shape for verb in _VERBS for shape in (verb.base, verb.past, verb.participle))
"""Words that may be a verb; the third person is left out, since it looks like a plural noun."""

MODALS = _words("must should can may will")
DETERMINERS = _words("a an the his her its their our your some several many every each all both another")
NUMBERS = _words(
    "two three four five six seven eight nine ten eleven twelve fifteen twenty thirty forty fifty sixty hundred"
)
PREPOSITIONS = _words(
    "about above across after against along among around at before behind below beneath beside between beyond by "
    "during for from in inside into near of off on onto out over past per since through throughout to toward towards "
    "under until up upon via with within without"
)
BOUNDARIES = _words(
    "that which who whom whose where when while because although though but as if so and or nor than including "
    "such after before since until unless whereas not"
)
"""Words after which another clause or list item begins, or which turn the meaning round."""
POINTING = _words(
    "he she it they we i you him them us me this that these those here there who what which one other another such "
    "most none nothing everything anyone someone everyone"
)
"""Words that mean nothing outside the text they stand in."""
READER = _words("i you we us me")
"""Of these, the words that whoever asks a question may use of themselves."""
POSSESSIVES = _words("his her its their our your my")
ADVERBS = _words("also still then later soon first already now only once again never always often usually finally")
INTRODUCTIONS = _words(
    "on in at by during since for from under earlier later yesterday today additionally meanwhile however afterwards "
    "then finally also last next this"
)
ROLES = _words(
    "president minister secretary governor mayor director chair chairman chairwoman chairperson leader chief officer "
    "engineer professor author founder manager captain head editor judge teacher principal curator architect spokesman "
    "spokeswoman spokesperson researcher scientist biologist historian artist writer poet composer coach senator "
    "ambassador general colonel king queen prince princess emperor pope bishop analyst economist lawyer doctor surgeon "
    "inventor explorer treasurer coordinator keeper harbourmaster headteacher co-founder watchmaker farmer baker"
)
PEOPLE = ROLES | _words(
    "man woman boy girl child children student students people delegation crew team staff members residents visitors "
    "passengers workers volunteers officials family friend friends wife husband mother father sister brother son "
    "daughter person guest guests assistant"
)
MEASURES = _words("long wide tall high deep old heavy thick")
NOT_PLURAL = _words("always perhaps less as is was has does this its yes plus across towards thus besides afterwards")

_WEEKDAYS = "Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday"
_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
TIME = re.compile(
    rf"(?:(?:early|late|mid) )?(?:(?:{_WEEKDAYS})(?: (?:morning|afternoon|evening|night))?"
    rf"|(?:\d{{1,2}} )?(?:{_MONTHS})(?: \d{{1,2}}\b)?(?:,? \d{{4}})?|(?:1[5-9]|20)\d\d)\b"
)
