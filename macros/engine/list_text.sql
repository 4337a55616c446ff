{% macro list_text(expression, delimiter='; ') %}
    {{- return(adapter.dispatch('list_text', 'account_mapping')(expression, delimiter)) -}}
{% endmacro %}

{% macro default__list_text(expression, delimiter) -%}
    array_join(array_sort(collect_set({{ expression }})), '{{ delimiter }}')
{%- endmacro %}

{% macro duckdb__list_text(expression, delimiter) -%}
    string_agg(distinct {{ expression }}, '{{ delimiter }}' order by {{ expression }})
{%- endmacro %}
