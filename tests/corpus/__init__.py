"""Good lessons in many subjects and languages, written by hand, which no gate may refuse.

Each file of `lessons` holds a lesson with all that its review needs: `subject`, `brief`, `outline`, `lesson_number`,
`passages` and `text`. `form` says what is wrong with the form of one.
"""
