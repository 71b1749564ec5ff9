"""The settings of refinement. No torch here: recipes are read without it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator

from seehear.errors import SeehearError

DEFAULT_TEACHER = "ridge-logits"
FALSE_ALARMS = 0.05
FOLDS = 5
NONE, GIVEN = "none", "given"


class RefineSettings(BaseModel):
    """How weak labels are refined before training."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    teacher: str = Field(
        NONE,
        description="teacher that says in which modality a weak label holds, and when: none, given (only labels that "
        "the data set brings), or a name from `seehear teachers`",
    )
    false_alarms: float = Field(
        FALSE_ALARMS,
        gt=0,
        lt=1,
        description="share of segments without a class that pass the teacher's threshold, in clips of up to ten "
        "segments; lowered in proportion for longer ones",
    )
    folds: int = Field(
        FOLDS, ge=2, description="folds of the training clips: a clip is labelled by the others' teacher"
    )
    weak: bool = Field(
        True, description="train clips on the refined labels of each modality, instead of the weak label in all of them"
    )
    rounds: int = Field(1, ge=1, le=3, description="rounds; from the second on, the trained model is the teacher")
    soft: bool = Field(False, description="train segments on the teacher's confidence instead of 0 or 1")

    @field_validator("teacher")
    @classmethod
    def _is_known(cls, teacher: str) -> str:
        from seehear.refinement.teachers import REGISTRY

        if teacher not in (NONE, GIVEN):
            try:
                REGISTRY[teacher]
            except SeehearError as error:
                raise ValueError(str(error)) from None
        return teacher

    @property
    def active(self) -> bool:
        """Whether training uses labels per modality."""
        return self.teacher != NONE
