{% macro to_boolean(text) -%}
    {#- A flag as a boolean, null where the text is none: true and false, yes and no, on and off, 1 and 0 (also `1.00`),
        a cross or tick, their first letters, and German, French and Spanish words, in any case. -#}
    {%- set word = 'lower(' ~ account_mapping.trim_whitespace(text) ~ ')' -%}
    case
        when {{ word }} in (
            'true', 't', '1', 'yes', 'y', 'on', 'x', 'checked', '✓', '✔', 'wahr', 'ja', 'j', 'vrai', 'oui', 'verdadero',
            'si', 'sí'
        ) or {{ account_mapping.matches_pattern(word, '^1[.,]0+$') }} then true
        when {{ word }} in (
            'false', 'f', '0', 'no', 'n', 'off', 'unchecked', 'falsch', 'nein', 'faux', 'non', 'falso'
        ) or {{ account_mapping.matches_pattern(word, '^0[.,]0+$') }} then false
    end
{%- endmacro %}
