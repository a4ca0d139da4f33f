"""Exams of models: a sandboxed child loads, runs and measures one, and reports."""
