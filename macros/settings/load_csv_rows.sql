{% macro spark__load_csv_rows(model, agate_table) %}
    {#- In place of dbt-spark's, where a project puts account_mapping before dbt in the `search_order` of `dispatch`: with
        method `session` that writes an empty cell as the text None, breaks at an apostrophe, and takes a second for some
        hundred rows. Here all rows are one text, and so one file. -#}
    {%- set types = model['config'].get('column_types', {}) -%}
    {%- set rows = [] -%}
    {%- for row in agate_table.rows -%}
        {%- set cells = [] -%}
        {%- for cell in row -%}
            {%- do cells.append(none if cell is none else cell | string) -%}
        {%- endfor -%}
        {%- do rows.append(cells) -%}
    {%- endfor -%}
    {%- set sql -%}
        insert into {{ this.render() }}
        select
        {%- for column in agate_table.column_names %}
            cast(cells[{{ loop.index0 }}] as {{ types.get(column, adapter.convert_type(agate_table, loop.index0)) }})
            {{- ',' if not loop.last }}
        {%- endfor %}
        from (
            select explode(from_json({{ account_mapping._text_literal(tojson(rows)) }}, 'array<array<string>>')) as cells
        ) as lines
    {%- endset -%}
    {%- if rows -%}
        {%- do adapter.add_query(sql, abridge_sql_log=True) -%}
    {%- endif -%}
    {{- return(sql) -}}
{% endmacro %}
