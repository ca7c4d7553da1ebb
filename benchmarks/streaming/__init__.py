"""Answers that stream: a model that speaks at a steady rate, who asks it directly, who asks it in a chat."""
