"""The names of LaTeX commands, and which of them text without formulas may hold by chance.

In JSON, `\\n`, `\\r` and `\\t` are a line break, a carriage return and a tab. So a model that forgets to escape
`\\theta` writes a tab and "heta", which is how a Swedish line may begin.
"""

from src.domain.language_tag import primary_subtag

# What KaTeX renders or names, without names of one letter, and what school subjects use of mhchem, siunitx, physics,
# booktabs and LaTeX itself. https://katex.org/docs/supported.html, https://katex.org/docs/support_table.html
_NAMES = """
    AA aa above abovewithdelims abs acute AE ae alef alefsym aleph allowbreak Alpha alpha amalg ampere And and ang
    angl angle angln approx approxcolon approxcoloncolon approxeq arccos arcctg arcsin arctan arctg arg argmax
    argmin array arraystretch Arrowvert arrowvert ast asymp atop atopwithdelims backepsilon backprime backsim
    backsimeq backslash bar barn barwedge Bbb Bbbk bbox bcancel because becquerel begin begingroup Beta beta beth
    between bf bfseries Big big bigcap bigcirc bigcup Bigg bigg Biggl biggl Biggm biggm Biggr biggr Bigl bigl Bigm
    bigm bigodot bigominus bigoplus bigoslash bigotimes Bigr bigr bigsqcap bigsqcup bigstar bigtimes bigtriangledown
    bigtriangleup biguplus bigvee bigwedge binom bit blacklozenge blacksquare blacktriangle blacktriangledown
    blacktriangleleft blacktriangleright bm bmod bold boldmath boldsymbol bond bot bottomrule bowtie Box boxdot
    boxed boxminus boxplus boxtimes Bra bra brace bracevert brack Braket braket breve buildrel bull bullet Bumpeq
    bumpeq byte cal cancel cancelto Cap cap cases cdot cdotp cdots ce cee celsius centerdot centi cf cfrac ch char
    check checkmark chemfig Chi chi chk choose circ circeq circlearrowleft circlearrowright circledast circledcirc
    circleddash circledR circledS clap cline clubs clubsuit cmidrule cnums colon Colonapprox colonapprox coloncolon
    coloncolonapprox coloncolonequals coloncolonminus coloncolonsim Coloneq coloneq Coloneqq coloneqq colonequals
    colonminus Colonsim colonsim color colorbox complement Complex cong coprod copyright cos cosec cosh cot cotg
    coth cr csc ctg cth cubed Cup cup curl curlyeqprec curlyeqsucc curlyvee curlywedge curvearrowleft
    curvearrowright dag Dagger dagger daleth Darr dArr darr dashleftarrow dashrightarrow dashv dbinom dblcolon dd
    ddag ddagger ddddot dddot ddot ddots DeclareMathOperator def definecolor deg degree degreeCelsius Delta delta
    det dfrac diagdown diagup Diamond diamond diamonds diamondsuit differential Digamma digamma dim displaylines
    displaystyle div divergence divideontimes documentclass dot Doteq doteq doteqdot dotplus dots dotsb dotsc dotsi
    dotsm dotso doublebarwedge doublecap doublecup Downarrow downarrow downdownarrows downharpoonleft
    downharpoonright dv edef ell else em emph empty emptyset enclose end endgroup enspace Epsilon epsilon eqalign
    eqalignno eqcirc Eqcolon eqcolon Eqqcolon eqqcolon eqref eqsim eqslantgtr eqslantless equalscolon
    equalscoloncolon equiv Eta eta eth euro exist exists exp expandafter fallingdotseq farad fbox fcolorbox femto fi
    Finv flat flatfrac footnote footnotesize forall frac frak frown Game Gamma gamma gcd gdef ge genfrac geq geqq
    geqslant gets gg ggg gggtr gimel global gnapprox gneq gneqq gnsim grad gram grave greet gt gtrapprox gtrdot
    gtreqless gtreqqless gtrless gtrsim gvertneqq hail Harr hArr harr hat hbar hbox hdashline hearts heartsuit hertz
    hfil hfill hline hom hookleftarrow hookrightarrow hphantom hskip hslash hspace Huge huge iddots idotsint if iff
    ifmode ifx iiiint iiint iint Im image imath impliedby implies in includegraphics inf infin infty injlim int
    intercal intop Iota iota isin it itshape jmath Join joule Kappa kappa kelvin ker kern Ket ket kilo kilogram
    label Lambda lambda land lang langle laplacian LARGE Large large Larr lArr larr LaTeX lBrace lbrace lbrack lceil
    ldotp ldots le leadsto left LeftArrow Leftarrow leftarrow leftarrowtail leftharpoondown leftharpoonup
    leftleftarrows Leftrightarrow leftrightarrow leftrightarrows leftrightharpoons leftrightsquigarrow
    leftthreetimes leq leqalignno leqq leqslant lessapprox lessdot lesseqgtr lesseqqgtr lessgtr lesssim let lfloor
    lg lgroup lhd lim liminf limits limsup liter litre ll llap llbracket llcorner Lleftarrow lll llless lmoustache
    ln lnapprox lneq lneqq lnot lnsim log long Longleftarrow longleftarrow Longleftrightarrow longleftrightarrow
    longmapsto Longrightarrow longrightarrow looparrowleft looparrowright lor lower lozenge lparen lq Lrarr lrArr
    lrarr lrcorner Lsh lt ltimes lVert lvert lvertneqq makeatletter maltese mapsto mathbb mathbf mathbin mathcal
    mathchoice mathclap mathclose mathds mathellipsis mathfrak mathinner mathit mathllap mathnormal mathop mathopen
    mathord mathpunct mathrel mathring mathrlap mathrm mathscr mathsf mathsfit mathsterling mathstrut mathtt matrix
    max mbox md mdseries measuredangle medspace meter metre mho micro mid middle midrule milli min minuscolon
    minuscoloncolon minuso mit mkern mod models mole moveleft moveright mp mskip mspace Mu mu multicolumn multimap
    multirow nabla natnums natural ncong ne nearrow neg negmedspace negthickspace negthinspace neq newcommand
    newenvironment Newextarrow newline newpage nexists ngeq ngeqq ngeqslant ngtr ni nicefrac nLeftarrow nleftarrow
    nLeftrightarrow nleftrightarrow nleq nleqq nleqslant nless nmid nobreak nobreakdash nobreakspace noexpand
    noindent nolimits nonumber normalfont normalsize not notag notin notni nparallel nprec npreceq nRightarrow
    nrightarrow nrightleftharpoons nshortmid nshortparallel nsim nsubseteq nsubseteqq nsucc nsucceq nsupseteq
    nsupseteqq ntriangleleft ntrianglelefteq ntriangleright ntrianglerighteq Nu nu num numberwithin numrange nVDash
    nVdash nvDash nvdash nwarrow odot OE oe ohm oiiint oiint oint oldstyle Omega omega Omicron omicron ominus
    operatorname operatornamewithlimits oplus or order oslash otimes over overbrace overbracket overgroup
    overleftarrow overleftharpoon overleftrightarrow overline overlinesegment overparen Overrightarrow
    overrightarrow overrightharpoon overset overwithdelims owns pagecolor par parallel part partial pascal pdv per
    perp phantom phase Phi phi Pi pi pitchfork plim plusmn pm pmatrix pmb pmod pod pounds Pr prec precapprox
    preccurlyeq preceq precnapprox precneqq precnsim precsim prime prod projlim propto providecommand Psi psi pu
    qquad qty quad radian raggedright raise raisebox rang rangle Rarr rArr rarr ratio rBrace rbrace rbrack rceil Re
    real Reals reals ref relax renewcommand renewenvironment rfloor rgroup rhd Rho rho right Rightarrow rightarrow
    rightarrowtail rightharpoondown rightharpoonup rightleftarrow rightleftarrows rightleftharpoons rightrightarrows
    rightsquigarrow rightthreetimes risingdotseq rlap rm rmoustache root rot rotatebox rparen rq rrbracket
    Rrightarrow Rsh rtimes Rule rule rVert rvert sc scalebox scr scriptscriptstyle scriptsize scriptstyle sdot
    searrow sec second sect Set set setlength setminus sf sh sharp shortmid shortparallel shortstack shoveleft
    shoveright SI si sideset Sigma sigma sim simcolon simcoloncolon simeq sin sinh skew skip sl small smallfrown
    smallint smallsetminus smallsmile smash smile smiley sout Space space spades spadesuit sphericalangle sqcap
    sqcup sqr sqrt sqsubset sqsubseteq sqsupset sqsupseteq square squared ss stackrel star strut sub sube Subset
    subset subseteq subseteqq subsetneq subsetneqq substack succ succapprox succcurlyeq succeq succnapprox succneqq
    succnsim succsim sum sup supe Supset supset supseteq supseteqq supsetneq supsetneqq surd swarrow tag tan tanh
    Tau tau tbinom TeX text textasciicircum textasciitilde textbackslash textbar textbardbl textbf textbraceleft
    textbraceright textcelsius textcircled textcolor textdagger textdaggerdbl textdegree textdollar textellipsis
    textemdash textendash textgreater textit textless textmd textmu textnormal textohm TextOrMath textperthousand
    textquotedblleft textquotedblright textquoteleft textquoteright textquotesingle textregistered textrm textsc
    textsf textsl textsterling textstyle textsubscript textsuperscript texttt textunderscore textup textvisiblespace
    tfrac tg th therefore Theta theta thetasym thickapprox thicksim thickspace thinspace tilde times Tiny tiny to
    top toprule tothe tr triangle triangledown triangleleft trianglelefteq triangleq triangleright trianglerighteq
    tt twoheadleftarrow twoheadrightarrow Uarr uArr uarr ulcorner unboldmath underbar underbrace underbracket
    undergroup underleftarrow underleftrightarrow underline underlinesegment underparen underrightarrow underset
    unicode unit unlhd unrhd up upalpha Uparrow uparrow Updownarrow updownarrow upharpoonleft upharpoonright uplus
    upmu upshape Upsilon upsilon upuparrows urcorner url usepackage utilde varDelta varepsilon varGamma varinjlim
    varkappa varLambda varliminf varlimsup varnothing varOmega varPhi varphi varPi varpi varprojlim varpropto varPsi
    varrho varSigma varsigma varsubsetneq varsubsetneqq varsupsetneq varsupsetneqq varTheta vartheta vartriangle
    vartriangleleft vartriangleright varUpsilon varXi vcentcolon vcenter Vdash vDash vdash vdots vec vee veebar verb
    VERT Vert vert vfil vfill vline volt vphantom Vvdash watt wedge weierp widecheck widehat wideparen widetilde wp
    wr xcancel xdef xhookleftarrow xhookrightarrow Xi xi xLeftarrow xleftarrow xleftharpoondown xleftharpoonup
    xLeftrightarrow xleftrightarrow xleftrightharpoons xlongequal xmapsto xRightarrow xrightarrow xrightharpoondown
    xrightharpoonup xrightleftharpoons xtofrom xtwoheadleftarrow xtwoheadrightarrow yen Zeta zeta
"""
COMMANDS = frozenset(_NAMES.split())
"""Names of commands, without their backslash."""

_IN_ROWS = """
    align aligned alignat alignedat array bmatrix Bmatrix cases CD darray dcases drcases eqnarray flalign gather
    gathered longtable matrix multline pmatrix rcases smallmatrix split subarray tabular tabularx vmatrix Vmatrix
"""
WITH_ROWS = frozenset(_IN_ROWS.split())
"""Environments whose rows end with two backslashes; each with a star, too."""

FEWEST_LETTERS = 4
"""The length of names that are told from prose outside formulas. `\\n` before "i", "e" or "u" begins many a line."""

# What is left of a command without its first letter, where that is a word or an abbreviation. These may begin a line in
# any language, as terms of mathematics and of programs.
_ANYWHERE = (
    "ang angle arr brace brack ceil cong exists ext floor group lap less mid parallel paren prec sim subset succ supset"
    " times vert"
)
# The words of those languages that were gone through for them, such as Swedish "heta" (to be called). In other ones
# nothing is told from a line of prose.
_WORDS = {
    **dict.fromkeys(("cs", "de", "en", "nl", "pt"), ""),
    **dict.fromkeys(("ca", "es", "it", "ro"), "frac"),
    **dict.fromkeys(("nb", "nn", "no"), "heta ilde"),
    **dict.fromkeys(("az", "tr"), "abla"),
    "da": "ilde",
    "fi": "oot otin",
    "fr": "aise frac",
    "pl": "ule",
    "sv": "heta",
}
# Languages that are written in other scripts, so that such a word would be foreign there.
_NOT_LATIN = (
    "am ar as be bg bn dv el fa gu he hi hy ja ka km kn ko lo mk ml mr my ne or pa ps ru sd si ta te th ti ug uk ur yi"
    " zh"
)


def is_no_word(rest: str, language: str) -> bool:
    """Returns whether `rest`, what is left of a command without its first letter, is surely no word of a language.

    `language`: a BCP 47 tag. In a language that wasn't gone through, anything may be a word.
    """
    primary = primary_subtag(language)
    in_latin = primary not in _NOT_LATIN.split() or "latn" in language.lower().split("-")
    words = _WORDS.get(primary) if in_latin else ""
    return words is not None and rest.lower() not in f"{_ANYWHERE} {words}".split()
