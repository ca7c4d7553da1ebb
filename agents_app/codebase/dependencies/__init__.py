"""What a code base depends on: one module an ecosystem, each reads that ecosystem's manifests and lock files.

Files are read in the inspecting process only, because parsers can be made to work for hours by the right
kind of wrong file. What manifests and locks say together is found out by `locks`, what registries know by
`lookups`.
"""
