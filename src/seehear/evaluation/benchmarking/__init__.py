"""Systems scored as the papers of data sets do: what is given, read and checked; what is predicted; the scores."""
