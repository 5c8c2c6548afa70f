"""Reports: records in; tables, figures and one page out. Nothing here needs torch."""
