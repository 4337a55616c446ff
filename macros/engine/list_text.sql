{% macro list_text(expression, delimiter='; ') %}
    {{- return(adapter.dispatch('list_text', 'account_mapping')(expression, delimiter)) -}}
{% endmacro %}

{% macro default__list_text(expression, delimiter) -%}
    {{- account_mapping._engine_lacks('list_text') -}}
{%- endmacro %}

{% macro duckdb__list_text(expression, delimiter) -%}
    string_agg(distinct {{ expression }}, {{ account_mapping._text_literal(delimiter) }} order by {{ expression }})
{%- endmacro %}

{% macro spark__list_text(expression, delimiter) -%}
    {#- of no value null, not the empty text -#}
    case
        when count({{ expression }}) > 0
            then array_join(array_sort(collect_set({{ expression }})), {{ account_mapping._text_literal(delimiter) }})
    end
{%- endmacro %}
