"""The fetus from 14 to 40 weeks: dimensions by age, and organs as signed distances."""
