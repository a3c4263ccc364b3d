"""The server zoo: what real model servers do, imitated by one fake server.

Each behaviour is a few lines in one of the modules here. To add one, write down what the server does, where that was
reported, and what must come of it; `docs/models.md` lists them all, and tests run a course against each.
"""

from tests.zoo.answers import ANSWERS
from tests.zoo.behaviour import Behaviour, Outcome, Zoo
from tests.zoo.refusals import REFUSALS

BEHAVIOURS = (*ANSWERS, *REFUSALS)

__all__ = ["BEHAVIOURS", "Behaviour", "Outcome", "Zoo"]
