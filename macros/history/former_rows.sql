{% macro former_rows(relation) %}
    {#- Where an incremental model reads what former runs left in its table. -#}
    {{- return(adapter.dispatch('former_rows', 'account_mapping')(relation)) -}}
{% endmacro %}

{% macro default__former_rows(relation) %}
    {{- return(relation) -}}
{% endmacro %}

{% macro spark__former_rows(relation) %}
    {#- a table that is written anew cannot be read meanwhile -#}
    {{- return(relation.incorporate(path={'identifier': relation.identifier ~ '__former'})) -}}
{% endmacro %}
