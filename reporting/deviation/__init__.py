"""The account of a deviation (POS, Peringatan 2): what people do, as (known, asked) -> drafts or Refused. Pure."""
