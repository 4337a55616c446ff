{% macro drop_former(relation) %}
    {#- A statement to run after an incremental model: drops what keep_former made. -#}
    {{- return(adapter.dispatch('drop_former', 'account_mapping')(relation)) -}}
{% endmacro %}

{% macro default__drop_former(relation) %}
{% endmacro %}

{% macro spark__drop_former(relation) %}
    {%- if execute -%}
        drop table if exists {{ account_mapping.former_rows(relation) }}
    {%- endif -%}
{% endmacro %}
