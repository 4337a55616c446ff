{% macro keep_former(relation) %}
    {#- A statement to run before an incremental model: copies its rows to where former_rows says, if that is elsewhere. -#}
    {{- return(adapter.dispatch('keep_former', 'account_mapping')(relation)) -}}
{% endmacro %}

{% macro default__keep_former(relation) %}
{% endmacro %}

{% macro spark__keep_former(relation) %}
    {#- what a run left that broke off is the last whole state -#}
    {%- if execute and is_incremental() -%}
        create table if not exists {{ account_mapping.former_rows(relation) }} {{ file_format_clause() }}
        as select * from {{ relation }}
    {%- endif -%}
{% endmacro %}
