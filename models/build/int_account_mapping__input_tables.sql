{{ config(materialized='view') }}
{%- set text = dbt.type_string() -%}
{%- set columns = [
    'input', 'source_relation', 'source_table', 'relation_name', 'kind', 'columns_read', 'columns_unread', 'missing',
    'other_tables',
] -%}
{%- set tables = account_mapping.input_tables() -%}
{% for table in tables %}
select
    {%- for column in columns %}
    cast({{ account_mapping._text_literal(table[column]) if table[column] is not none else 'null' }} as {{ text }}) as {{ column }},
    {%- endfor %}
    {% if table['relation'] -%}
    (select count(*) from {{ table['relation'] }})
    {%- else -%}
    0
    {%- endif %} as rows_read
{{ 'union all' if not loop.last }}
{% else %}
select
    {%- for column in columns %}
    cast(null as {{ text }}) as {{ column }},
    {%- endfor %}
    0 as rows_read
where 1 = 0
{% endfor %}
