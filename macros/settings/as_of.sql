{% macro as_of() -%}
    {#- The only clock that models read: var account_mapping__as_of, else the date on which the run started. -#}
    cast('{{ var("account_mapping__as_of", "") or run_started_at.strftime("%Y-%m-%d") }}' as date)
{%- endmacro %}
