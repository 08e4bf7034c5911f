"""
The forms: explore with the hands, keep it as code.

`nbbanana.widgets.studio` is a form for edits in a cell. A form is one anywidget of plain ES modules under `static/`;
`nbbanana.widgets.base` is what all forms share. Nothing here is imported until a form is asked for.
"""
