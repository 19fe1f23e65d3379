"""Make and judge the text model of reports. Needs requirements/science.txt; serving needs none of it."""
