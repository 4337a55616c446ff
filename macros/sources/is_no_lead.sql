{% macro is_no_lead() -%}
    {#- Whether a row of the accounts of all CRMs is from a table of accounts, as a condition: leads that are records too
        come from other tables, which have versions and counts of their own. -#}
    {% if account_mapping.leads_mode() == 'records' -%}
    source_table not in ('lead', 'contact')
    {%- else -%}
    true
    {%- endif %}
{%- endmacro %}
