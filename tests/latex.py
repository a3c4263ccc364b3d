"""Formulas as a lesson holds them, with the ways in which models write them in JSON; and prose that looks like them."""

import json

FORMULAS = tuple(
    r"""
$2 \times 3 \neq \rho$
$\frac{1}{2}$
$\alpha + \beta = \gamma$
$\theta = \tan^{-1}\left(\frac{y}{x}\right)$
$\nabla \cdot \vec{E} = \frac{\rho}{\varepsilon_0}$
$\nabla \times \vec{B} = \mu_0 \vec{J}$
\[ x = \frac{-b \pm \sqrt{b^2-4ac}}{2a} \]
\(x \to 0\)
\(\nu = \frac{c}{\lambda}\)
$$E = h\nu$$
$$\nu = \frac{1}{T}$$
$x \ne y$
$x \ni y$
$A \not\subset B$
$\neg (p \land q) \equiv \neg p \lor \neg q$
$p \Rightarrow q \text{ and } \neg q$
$\text{speed} = \frac{\text{distance}}{\text{time}}$
$\textbf{F} = m\,\vec{a}$
$\{1,\; 2,\; 3\}$
$\left\{ x \in \mathbb{R} \mid x > 0 \right\}$
$50\,\% \text{ of } 80 = 40$
$\$5 \times 3 = \$15$
$\bar{x} = \frac{1}{n}\sum_{i=1}^{n} x_i$
$\binom{n}{k} = \frac{n!}{k!\,(n-k)!}$
$\lim_{n \to \infty} \left(1 + \tfrac{1}{n}\right)^n = e$
$\int_0^1 x^2 \, dx = \frac{1}{3}$
$f'(x) = \lim_{h \to 0} \frac{f(x+h) - f(x)}{h}$
$\forall x \, \exists y : x < y$
$\nexists\, x : x \neq x$
$A \cup B = B \cup A$
$\underline{AB} \parallel \overline{CD}$
$a \nparallel b$
$\triangle ABC \sim \triangle DEF$
$\angle ABC = 90^\circ$
$\tau = \vec{r} \times \vec{F}$
$\Delta U = Q - W, \quad \eta = \frac{W}{Q_h}$
$\tilde{x} \approx \hat{x}$
$\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}$
$\begin{bmatrix} a & b \\ c & d \end{bmatrix} \begin{bmatrix} x \\ y \end{bmatrix}$
$\begin{vmatrix}a&b\\c&d\end{vmatrix} = ad - bc$
$$\begin{aligned} 2x + 3 &= 7 \\ 2x &= 4 \\ x &= 2 \end{aligned}$$
$$\begin{aligned} a &= b \\[4pt] &= \frac{c}{d} \\ &\neq 0 \end{aligned}$$
$|x| = \begin{cases} x & \text{if } x \geq 0 \\ -x & \text{if } x < 0 \end{cases}$
\begin{align} y &= mx + t \\ t &= y - mx \end{align}
\begin{equation} F = G\frac{m_1 m_2}{r^2} \end{equation}
$\begin{array}{c|c} x & y \\ \hline 1 & 2 \\ 3 & 4 \end{array}$
$\begin{array}{rl} u &= 1 \\\hline \nu &= 2 \end{array}$
$\sum_{\substack{i=1 \\ i \neq j}}^{n} a_i$
$\ce{2H2 + O2 -> 2H2O}$
$\ce{N2 + 3H2 <=>[\text{heat}] 2NH3}$
\ce{Fe^{2+} \rightarrow Fe^{3+} + e^-}
$\rightarrow \Rightarrow \leftrightarrow \rightleftharpoons$
$9.81\ \mathrm{m\,s^{-2}}$
$\boxed{x = -2}$
$\overbrace{a + b}^{n} + \underbrace{c + d}_{m}$
$\sqrt[3]{\tfrac{27}{8}} = \frac{3}{2}$
$p(A \mid B) = \frac{P(A \cap B)}{P(B)}$
$\tfrac12 m v^2 = m g h$
$\natural\ \flat\ \sharp$
$\forall \epsilon > 0 : \left\lVert x \right\rVert < \epsilon \therefore x = 0$
""".strip().split("\n")
)

# By language: the start of a line could be taken for the rest of a command, after `\n`, `\r` and `\t`.
PROSE = {
    "it": (
        "Le cellule usano le proteine.\ni mitocondri danno energia.",
        "Il ferro è un metallo.\ne il rame anche.",
        "Ci sono due casi:\no si vince\no si perde",
        "Costa $5.\ni mitocondri no.\ne il resto costa $6.",
        "Scrivi:\tan, in, un\nil resto va da sé.",
        "Ecco le lettere:\na\ne\ni\no\nu",
    ),
    "es": (
        "Hay agua y sal.\ne hijos de la tierra.",
        "Elige:\nu once o doce\no ninguno",
        "Los números:\nuno\not.\neg.\ntres",
        "Vale $3 y luego $4.\na veces más.\nu otros",
        "Nombre\tedad\nAna\t10\nIván\t11",
        "¿Sí?\nsim no es español.\nexists tampoco.",
    ),
    "fr": (
        "Il y a deux cas.\nou bien a\nou bien b",
        "Le mot:\tau bord de la mer\nu est une voyelle",
        "La mer est\tà l'aise\nun jour.\not or.",
        "Cela coûte $5\net non $6.\ne est une lettre",
        "Liste:\n- a\n- e\n- i\ni et u sont des voyelles",
        "Un\tore\tvert\rait",
    ),
    "de": (
        "Er steht\tan der Tafel.\nu. a. auch sie.",
        "Zuerst a,\ne folgt danach,\ni kommt später.",
        "Das kostet $5.\neg ist kein Wort.\nund $6 auch.",
        "Name\tOrt\tAlter\nOtto\tUlm\t12",
        "Siehe oben.\no. B. heißt ohne Befund.",
        "Die Zelle lebt.\nexistiert sie allein?\nparallel dazu lebt sie auch.",
    ),
    "pt": (
        "A célula vive.\ne cresce.\no núcleo manda.",
        "Sim?\nsim, claro.\na vida é bela.",
        "São dois:\no sol\na lua\nu não é nada",
        "Custa $5,\ne depois $6.\nou nada.",
        "Ano\tau\to\nao todo são três",
        "Em casa\te na rua\ni ii iii",
    ),
    "nl": (
        "Ga maar\top de fiets.\nu bent er bijna.",
        "Dit is a.\ne komt later.\ni ook.",
        "Het kost $5.\nu betaalt $6.\no ja?",
        "Eerst\tot straks\nin het huis",
        "Kijk:\nu\ne\ni\na",
        "De cel leeft.\nop het land ook.\neg is een werktuig.",
    ),
    "sv": (
        "Vad ska den\theta?\ni skogen bor den.",
        "Den är het.\nu är en vokal.\ne också.",
        "Han är\trar mot alla\rho är inget ord.\nord är det",
        "Det kostar $5.\ni dag kostar det $6.",
        "De tre är\theta\nheta och kalla\no",
        "Å rinner.\ni ån finns fisk.\na och e är ljud.",
    ),
    "tr": (
        "Evde bir\nabla var.\no da güzel.",
        "Bu bir hücre.\no yaşar.\ne peki?",
        "Fiyatı $5.\no zaman $6.\nu harfi",
        "Harfler:\na\ne\ni\no\nu",
        "Ad\tüye\top\nAli\tan\t10",
        "Bak:\texte değil\nilk hücre burada.",
    ),
    "pl": (
        "Pszczoły mają\rule i miód.\ni to dużo.",
        "Komórka żyje.\ni rośnie.\na potem się dzieli.",
        "To kosztuje $5.\no nie, kosztuje $6.\nu nas mniej.",
        "Litery:\na\ne\ni\no\nu",
        "Oto\tau\to\ni nic więcej",
        "W lesie.\nu brata\ne tam\nw domu",
    ),
    "en": (
        "The triangle\rangle is wide.\ni is a letter.",
        "Life\nexists on land.\nless so in ice.\nmid sea too.",
        "Two lines\nparallel to it.\nsubset of all.",
        "It is $5.\nu and e are vowels.\ni pay $6.\no dear",
        "One\text. 12\textra tea\tan apple\top\ttag",
        "Multiply\rtimes two.\tau pair\rho rho\neg. no",
    ),
}


def singly(text: str) -> str:
    """A text as JSON, by a model that escapes no backslash."""
    return '"{}"'.format(text.replace('"', '\\"').replace("\n", "\\n"))


def rightly(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def doubly(text: str) -> str:
    """A text as JSON, by a model that escapes each backslash twice."""
    return rightly(text.replace("\\", "\\\\"))
