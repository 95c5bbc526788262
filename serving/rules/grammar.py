"""The grammar of the filter language: a subset of CEL, with the words and, or, not beside its signs."""

GRAMMAR = r"""
?start: disjunction
?disjunction: conjunction (_OR conjunction)*           -> any_of
?conjunction: negation (_AND negation)*                -> all_of
?negation: _NOT negation                              -> negated
         | condition
?condition: "(" disjunction ")"
          | operand COMPARE operand                   -> comparison
          | operand _IN "[" [literal ("," literal)*] "]" -> membership
          | called FUNCTION "(" string ")"            -> call
          | column                                    -> flag
          | truth                                     -> alone

?operand: column | literal
?literal: string | number | truth | null
column: NAME | NAME "." NAME | NAME "[" STRING "]"
?called: NAME "."             -> column
       | NAME "." NAME "."     -> column
       | NAME "[" STRING "]" "." -> column
string: STRING
number: NUMBER
truth: TRUE | FALSE
null: NULL

COMPARE: "==" | "!=" | "<=" | ">=" | "<" | ">"
FUNCTION.2: /(?:startsWith|endsWith|contains)(?=\s*\()/
_AND.2: "&&" | /and\b/
_OR.2: "||" | /or\b/
_NOT.2: /!(?!=)/ | /not\b/
_IN.2: /in\b/
TRUE.2: /true\b/
FALSE.2: /false\b/
NULL.2: /null\b/
NAME: /[^\W\d]\w*/
STRING: /'(?:[^'\\\n]|\\.)*'/ | /"(?:[^"\\\n]|\\.)*"/
NUMBER: /-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/
%ignore /\s+/
"""
