"""A filter of another package: every second sample is dropped."""

from dataclasses import dataclass, field

from gauger.elicit.sample import Sample


@dataclass
class NoSecond:
    name: str = "no-second"
    seen: list[str] = field(default_factory=list)

    def __call__(self, sample: Sample) -> Sample:
        self.seen.append(sample.id)
        return sample.fails(self.name) if len(self.seen) % 2 == 0 else sample


def no_second(world: object) -> NoSecond:
    return NoSecond()
