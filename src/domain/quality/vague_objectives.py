"""Objectives of which nobody can see whether they are reached, by the verb that says what a learner is to do.

Mager ("Preparing Instructional Objectives", 1962) calls these verbs open to many interpretations. A verb that is vague
only with some objects stands here with these: to feel confident is vague, to feel for a pulse is not.
"""

from functools import lru_cache

import regex

from src.domain.language_tag import primary_subtag
from src.domain.normal_form import normal_text

# What may stand before the verb in English: who is meant, and words that change nothing about it.
_EN_OPENING = r"""
(?:(?:by|at)[ ]the[ ]end[ ][^,:]{3,60}[,:][ ])?
(?:(?:the[ ])?(?:learners?|students?|pupils?|children|participants?|readers?|you|we|i)[ ]
   (?:will|can|should|shall|must|are[ ]able[ ]to|is[ ]able[ ]to|am[ ]able[ ]to)?[ ]?|to[ ])?
(?:(?:be[ ]able[ ]to|learn[ ](?:how[ ])?to|begin[ ]to|start[ ]to|come[ ]to|try[ ]to|be[ ]helped[ ]to
   |fully|deeply|truly|really|clearly|thoroughly|better|critically|properly|just)[ ])*+
"""
_EN_INSIGHT = r"""(?:understanding|ideas?|knowledge|insights?|appreciation|awareness|sense|grasp|command|feel|feeling
   |familiarity|mastery|impression|overview|picture|interest|curiosity|love|respect|confidence|gist|hang)"""
_EN = rf"""^{_EN_OPENING}(?:
(?:understand(?:s|ing)?|know(?:s|ing)?|appreciat(?:e|es|ing)|comprehend(?:s|ing)?|master(?:s|ing)?|discover(?:s|ing)?
  |becom(?:e|es|ing)|enjoy(?:s|ing)?|remember(?:s|ing)?|internali[sz](?:e|es|ing)|believe|believes|explor(?:e|es|ing))\b
|learn(?:s|ing)?\b(?![ ]by[ ]heart|.*[ ]by[ ]heart)
|(?:be|being|are|is)[ ](?:more[ ]|fully[ ]|made[ ])?(?:aware|familiar|familiari[sz]ed|acquainted|conscious|informed
  |introduced|exposed|interested|comfortable|confident|convinced|curious|conversant|sensiti[sz]ed|knowledgeable)\b
|(?:have|has|having|gain|gains|gaining|develop|develops|developing|acquire|build|get|obtain|achieve|deepen|broaden|expand
  |increase|improve|strengthen|enhance|foster|cultivate)[ ]
  (?:(?:an?|some|the|their|your|his|her|more|my|our)[ ])?(?:[\p{{L}}-]+[ ]){{0,2}}{_EN_INSIGHT}
  \b(?![ ]the[ ](?:pulse|weight))
|get[ ](?:to[ ]know|to[ ]grips|familiar|acquainted|used[ ]to|comfortable|excited|interested)\b
|(?:familiari[sz]e|acquaint)[ ](?:oneself|yourself|themselves|ourselves|myself)\b
|see[ ](?:how|why|that|what|the[ ](?:importance|value|point|need|beauty|relevance|meaning))\b
|reali[sz]e[ ](?:how|why|that|what|the[ ](?:importance|value|need|relevance|meaning))\b
|feel[ ](?:(?:more|very|quite)[ ])?(?:confident|comfortable|at[ ]ease|at[ ]home|sure|safe|secure|proud|inspired
  |motivated|connected|responsible|empathy|sympathy|respect|that|the[ ](?:importance|beauty|power|meaning|need))\b
|grasp(?!.*\b(?:with|between|firmly|hand|fingers?|handle|pencil|brush|rope)\b)\b
|value\b(?![ ](?:of|at|for)\b|.*[ ](?:by|at|using|with|from)[ ])
|study\b(?!.*[ ](?:and|to|by)[ ])
|think[ ]about\b|care[ ]about\b|take[ ]an[ ]interest\b
|(?:an?[ ]|the[ ])?(?:(?:basic|deep|deeper|clear|good|better|solid|thorough|general|working|broad|sound)[ ])?
  (?:understanding|knowledge|awareness|appreciation)[ ](?:of|how|why|that|about)\b
)"""

# German has its verb at the end. Words such as "schätzen" are left out, as they are something to do as well (estimate).
_DE_INSIGHT = (
    r"(?:verständnis|gefühl|gespür|bewusstsein|einblicke?|überblick|eindruck|einsicht(?:en)?|kenntnisse?|wissen|interesse"
    r"|begeisterung|freude|vorstellung|wertschätzung)"
)
_DE = rf"""
^(?!\p{{L}}+n,[ ])(?:.*[ ])?(?:verstehen|wissen|kennen|begreifen|kennenlernen|kennen[ ]lernen|(?<!auswendig[ ])lernen
  |erfahren|entdecken|beherrschen|verinnerlichen|wertschätzen|fühlen|spüren|glauben|durchschauen
  |vertraut[ ](?:machen|werden|sein)|bewusst[ ](?:machen|werden|sein)|sich[ ](?:.*[ ])?auskennen
  |sich[ ](?:.*[ ])?(?:interessieren|beschäftigen|befassen)
  |{_DE_INSIGHT}\b.*(?:entwickeln|bekommen|erhalten|gewinnen|erwerben|haben|verschaffen|vertiefen|erweitern|aufbauen))\W*$
|^(?:verstehen|wissen|begreifen|kennenlernen|sich[ ]bewusst[ ](?:machen|werden)),
|^(?:die[ ])?(?:lernenden?|schüler\p{{L}}*(?:[ ]und[ ]schüler\p{{L}}*)?|sus|studierenden|teilnehmenden|kinder|du|ihr)[ ]
  (?:verstehen|verstehst|versteht|wissen|weißt|weiss?t|wisst|kennen|kennst|kennt|begreifen|begreifst|beherrschen|beherrschst
  |entdecken|entdeckst|erfahren|erfährst|lernen[ ](?!.*\bzu\b)|lernst[ ](?!.*\bzu\b))\b
|^(?:verständnis|kenntnis|wissen)[ ](?:für|von|der|des|um|über)\b
"""

_ES_INSIGHT = r"(?:ideas?|noción|nociones|conocimientos?|conciencia|comprensión|visión|interés|aprecio|sensibilidad)"
_ES = rf"""^(?:al[ ](?:final|t[ée]rmino)[ ][^,:]{{3,60}}[,:][ ])?
(?:(?:el|la|los|las)[ ](?:alumn\p{{L}}+|estudiantes?|participantes?|niñ\p{{L}}+)[ ](?:(?:y[ ]alumnas[ ])?))?
(?:(?:ser[áa]?n?[ ]capa(?:z|ces)[ ]de|podrán?|poder|deberán?|aprender[ ]a|aprenderán?[ ]a|llegar[ ]a|mejor)[ ])*+(?:
(?:comprender|entender|conocer|aprender|apreciar|descubrir|dominar|asimilar|interiorizar|explorar)(?:á|án|ás)?\b
  (?!.*[ ]de[ ]memoria)
|saber(?![ ]\p{{L}}+[aeií]r(?:se|l[oae]s?)?\b)\b|sabrán?[ ](?!\p{{L}}+[aeií]r(?:se|l[oae]s?)?\b)
|familiarizarse|interesarse|concienciarse|concientizarse|sensibilizarse|darse[ ]cuenta|iniciarse[ ]en|acercarse[ ]a
|tomar[ ]con(?:s)?ciencia|ser[ ]conscientes?|estar[ ]familiarizad\p{{L}}+|disfrutar[ ]|profundizar[ ]en
|valorar[ ](?:la[ ]importancia|el[ ](?:papel|valor))|creer[ ](?:en|que)\b
|sentir(?:se)?[ ](?:segur|confianza|curiosidad|empat|interés|orgull|c[óo]mod|la[ ]importancia|que\b)
|(?:tener|adquirir|desarrollar|obtener|ampliar|mejorar)[ ](?:(?:una?|unas|algunas?|su|sus|los|la)[ ])?
  (?:\p{{L}}+[ ])?{_ES_INSIGHT}\b
|(?:comprensi[óo]n|conocimiento)[ ](?:de|del|sobre)\b
)"""

_FR_INSIGHT = r"(?:idées?|notions?|connaissances?|conscience|compréhension|aperçu|vision|intérêt|goût|sens)"
_FR = rf"""^(?:à[ ](?:la[ ]fin|l'issue)[ ][^,:]{{3,60}}[,:][ ])?
(?:(?:l'|les[ ]|le[ ]|la[ ]|vous[ ]|tu[ ])(?:élèves?|étudiante?s?|apprenante?s?|participante?s?)?[ ]?)?
(?:(?:être|seront|sera|serez|seras)[ ]capables?[ ]d(?:e[ ]|')
  |(?:pouvoir|pourra|pourront|apprendre[ ]à|arriver[ ]à|mieux|bien)[ ])*+(?:
(?:comprendre|connaître|connaitre|apprécier|découvrir|maîtriser|maitriser|explorer|approfondir|intérioriser|assimiler)\b
|(?:comprendr|connaîtr|connaitr|découvrir|maîtriser|appréci?er)(?:a|ont|ez|as)\b
|apprendre\b(?!.*[ ]par[ ]c(?:œ|oe)ur)
|savoir[ ](?:que|qu'|ce[ ]qu|comment|pourquoi|quand|qui|quels?|quelles?|où|le|la|les|l'|des|du)
|(?:saura|sauront|saurez)[ ](?:que|qu'|ce[ ]qu|comment|pourquoi|quand|qui)\b
|se[ ](?:familiariser|sensibiliser|rendre[ ]compte|passionner)|s'(?:initier|intéresser|approprier)
|prendre[ ](?:mieux[ ])?conscience
|être[ ](?:conscient|sensibilisé|familier|familiarisé|au[ ]courant)\p{{L}}*\b
|réaliser[ ](?:que|qu'|combien|l'importance|à[ ]quel[ ]point)
|saisir[ ](?:l'importance|le[ ]sens|l'enjeu|les[ ]enjeux|comment|pourquoi)
|croire[ ](?:en|que|à)|ressentir\b|se[ ]sentir\b
|(?:avoir|acquérir|développer|obtenir|se[ ]faire)[ ](?:(?:une?|des|la|de|quelques)[ ])?(?:\p{{L}}+[ ])?{_FR_INSIGHT}\b
|(?:compréhension|connaissance)[ ](?:de|du|des)\b
)"""

_PT_INSIGHT = r"(?:ideias?|noç(?:ão|ões)|conhecimentos?|consciência|compreensão|visão|interesse|apreço|gosto)"
_PT = rf"""^(?:(?:ao|no)[ ](?:final|fim|término)[ ][^,:]{{3,60}}[,:][ ])?
(?:(?:o|a|os|as)[ ](?:alun\p{{L}}+|estudantes?|participantes?|crianças?)[ ])?
(?:(?:ser(?:á|ão)?[ ]capa(?:z|zes)[ ]de|poderá|poderão|aprender[ ]a|chegar[ ]a|melhor)[ ])*+(?:
(?:compreender|entender|conhecer|aprender|apreciar|valorizar|descobrir|dominar|assimilar|interiorizar|explorar|aprofundar)
  (?:á|ão)?\b(?!.*[ ]de[ ]cor\b)
|saber(?![ ]\p{{L}}+[aei]r(?:-s?e|-l[oa]s?)?\b)\b|saber(?:á|ão)[ ](?:que|o[ ]que|como|por[ ]que)\b
|familiarizar-se|interessar-se|conscientizar-se|consciencializar-se|sensibilizar-se|dar-se[ ]conta
|tomar[ ]consciência|(?:ser|estar)[ ](?:consciente|ciente|familiarizad)\p{{L}}*|acreditar[ ](?:em|que|na|no)
|perceber[ ](?:como|que|por[ ]que|a[ ]importância|o[ ]valor)
|sentir(?:-se)?[ ](?:segur|confian|curios|empat|interesse|orgulh|à[ ]vontade|a[ ]importância|que\b)
|(?:ter|adquirir|desenvolver|obter|ampliar)[ ](?:(?:uma?|umas|algumas?|seus?|a)[ ])?(?:\p{{L}}+[ ])?{_PT_INSIGHT}\b
|(?:compreensão|conhecimento)[ ](?:de|do|da|dos|das|sobre)\b
)"""

_IT_INSIGHT = r"(?:idea|nozioni|conoscenz[ae]|consapevolezza|coscienza|comprensione|visione|interesse|padronanza)"
_IT = rf"""^(?:(?:al[ ]termine|alla[ ]fine)[ ][^,:]{{3,60}}[,:][ ])?
(?:(?:gli[ ]|lo[ ]|la[ ]|l'|i[ ]|le[ ])(?:student\p{{L}}+|alunn\p{{L}}+|alliev\p{{L}}+|ragazzi|partecipanti)[ ])?
(?:(?:essere[ ]in[ ]grado[ ]di|sar(?:à|anno)[ ]in[ ]grado[ ]di|sar(?:à|anno)[ ]capac[ei][ ]di|essere[ ]capac[ei][ ]di
  |potr(?:à|anno)|imparare[ ]ad?|meglio)[ ])*+(?:
(?:comprendere|capire|conoscere|apprezzare|scoprire|padroneggiare|assimilare|interiorizzare|esplorare|approfondire|intuire)\b
|(?:comprender|capir|conoscer|scoprir)(?:à|anno)\b
|imparare\b(?!.*[ ]a[ ]memoria)
|sapere[ ](?:che|cosa|come|perché|quando|quali?|chi|il|la|lo|i|gli|le|l')
|familiarizzar(?:e|si)|interessarsi|sensibilizzarsi|avvicinarsi|rendersi[ ]conto
|prendere[ ](?:coscienza|consapevolezza|confidenza)
|essere[ ](?:consapevol|consci|informat)\p{{L}}+|credere[ ](?:in|che|nel\p{{L}}*)|sentirsi\b
|cogliere[ ](?:l'importanza|il[ ](?:senso|significato|valore))
|(?:avere|acquisire|sviluppare|ottenere|farsi)[ ](?:(?:un'|una[ ]|un[ ]|la[ ]|delle[ ]))?(?:\p{{L}}+[ ])?{_IT_INSIGHT}\b
|(?:comprensione|conoscenza)[ ](?:di|del|dello|della|dei|degli|delle)\b
)"""

_RU = r"""^(?:(?:к[ ]концу|в[ ]конце|по[ ]окончании)[ ][^,:]{3,60}[,:][ ])?
(?:(?:учащи(?:йся|еся)|ученики?|школьники?|студенты?|слушатели|дети|вы|ты)[ ]
  (?:(?:будут|будет|должны|должен|смогут|сможет|сможете)[ ])?)?
(?:(?:уметь|научиться|учиться|быть[ ]способн\p{L}+|мочь|смочь|лучше|хорошо|глубже)[ ])*+(?:
(?:понимать|понять|поймут|поймёт|знать|узнать|узнают|познакомиться|ознакомиться|осознать|осознавать|изучить|изучать
  |усвоить|усваивать|освоить|осваивать|овладеть|ценить|верить|поверить|чувствовать|почувствовать
  |интересоваться|заинтересоваться|проникнуться)\b
  (?!.*[ ]наизусть)
|разобраться[ ]во?\b|открыть[ ]для[ ]себя\b|(?:углубить|расширить|получить|закрепить|приобрести)[ ](?:\p{L}+[ ])?
  (?:знани[яй]|понимание|представлени[ея])\b
|иметь[ ](?:\p{L}+[ ])?(?:представление|понятие)\b
|(?:понимание|знание)[ ]\p{L}+
)"""

_VAGUE = {"en": _EN, "de": _DE, "es": _ES, "fr": _FR, "pt": _PT, "it": _IT, "ru": _RU}


@lru_cache(maxsize=1024)
def is_vague(objective: str, language: str) -> bool:
    """Returns whether an objective's verb is surely vague. In a language without a table, none is."""
    subtag = primary_subtag(language)
    return subtag in _VAGUE and _pattern(subtag).search(normal_text(objective)) is not None


@lru_cache(maxsize=len(_VAGUE))
def _pattern(subtag: str) -> regex.Pattern[str]:
    # Each takes long to compile, and most processes need one or none.
    return regex.compile(_VAGUE[subtag], regex.VERBOSE | regex.IGNORECASE)
