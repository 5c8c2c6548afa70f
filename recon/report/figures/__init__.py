"""The report's figures, one module each: the records of one data set in, a drawing out."""
