"""Looking at a site from outside and inside, and naming the likeliest cause: plain functions on plain data."""
