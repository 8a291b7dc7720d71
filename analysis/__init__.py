"""What SQL alone cannot say: statistics of experiments, from sums to a verdict, and bucketing."""
