{% macro schema_tables(place) %}
    {#- The tables and views of a schema, as [{schema, name}]; empty where there is no such schema. -#}
    {{- return(adapter.dispatch('schema_tables', 'account_mapping')(place) if execute else []) -}}
{% endmacro %}

{% macro default__schema_tables(place) %}
    {%- set query -%}
        select table_schema, table_name from {{ place.information_schema('TABLES') }}
        where lower(table_schema) = lower({{ account_mapping._text_literal(place.schema) }})
    {%- endset -%}
    {%- set tables = [] -%}
    {%- for row in run_query(query).rows -%}
        {%- do tables.append({'schema': row[0], 'name': row[1]}) -%}
    {%- endfor -%}
    {{- return(tables) -}}
{% endmacro %}

{% macro duckdb__schema_tables(place) %}
    {%- set tables = [] -%}
    {%- for row in list_relations_without_caching(place) -%}
        {%- do tables.append({'schema': row['schema'], 'name': row['name']}) -%}
    {%- endfor -%}
    {{- return(tables) -}}
{% endmacro %}

{% macro spark__schema_tables(place) %}
    {%- set tables = [] -%}
    {%- if run_query('show schemas like ' ~ account_mapping._text_literal(place.schema)).rows | length -%}
        {%- for row in run_query('show tables in ' ~ place.include(identifier=false)).rows -%}
            {%- do tables.append({'schema': row[0], 'name': row[1]}) -%}
        {%- endfor -%}
    {%- endif -%}
    {{- return(tables) -}}
{% endmacro %}

{% macro databricks__schema_tables(place) %}
    {{- return(account_mapping.default__schema_tables(place)) -}}
{% endmacro %}
