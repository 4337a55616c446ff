{% macro seed_types(model) %}
    {#- The pre-hook of every settings seed, and of what replaces it: optional columns get the type that their
        `data_type` says, so that ids keep their leading zeros. It cannot stand in `column_types`, where only required
        columns are: dbt warns of each name there that a file leaves out. Gives no statement. -#}
    {%- set types = dict(model.config.get('column_types') or {}) -%}
    {%- for column in model.columns.values() if column.data_type -%}
        {%- do types.update({column.name: column.data_type}) -%}
    {%- endfor -%}
    {%- do model.config.update({'column_types': types}) -%}
{% endmacro %}
