{% macro replace_strategy() %}
    {#- The incremental strategy by which rows of a model's unique_key are replaced; with_former does the other half. -#}
    {{- return(adapter.dispatch('replace_strategy', 'account_mapping')()) -}}
{% endmacro %}

{% macro default__replace_strategy() %}
    {{- return('delete+insert') -}}
{% endmacro %}

{% macro spark__replace_strategy() %}
    {#- only Delta and Iceberg can replace single rows: the tables that keep rows are small, and written anew -#}
    {{- return('insert_overwrite') -}}
{% endmacro %}
