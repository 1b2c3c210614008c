"""Activities 4-7: renewing what ends. Commands make events; a case is a fold over them."""
