{% macro scale_odds(probability, factor) -%}
    {#- The probability after evidence that multiplies its odds by `factor` (Bayes' rule). -#}
    ({{ probability }} * {{ factor }} / ({{ probability }} * {{ factor }} + 1 - {{ probability }}))
{%- endmacro %}
