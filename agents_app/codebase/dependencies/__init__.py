"""What a code base says it depends on: one module an ecosystem, each reads that ecosystem's manifests.

Only what people write is read, not lock files. Runs in the inspecting process only, because parsers can be
made to work for hours by the right kind of wrong file.
"""
