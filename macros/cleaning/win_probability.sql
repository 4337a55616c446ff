{% macro win_probability(probability, whole) -%}
    {#- How likely a deal is won, as decimal 0 to 1, of a CRM that writes it as a part of `whole` (1 or 100); null where
        it is none. -#}
    case when {{ probability }} between 0 and {{ whole }} then cast({{ probability }} / {{ whole }} as decimal(5, 4)) end
{%- endmacro %}
