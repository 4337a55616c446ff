{% macro check_marts_database() %}
    {#- One clear error when var account_mapping__marts_database names a database that cannot hold the marts. -#}
    {%- set name = var('account_mapping__marts_database') -%}
    {%- if name and account_mapping.is_building() -%}
        {%- do account_mapping._check_is_name('account_mapping__marts_database', name) -%}
        {%- set type = account_mapping.attached_type(name) -%}
        {%- if type not in (target.type, 'postgres', 'motherduck') -%}
            {%- do exceptions.raise_compiler_error(
                "account_mapping: var account_mapping__marts_database is " ~ name ~ ", "
                ~ ("a database of type " ~ type ~ ", where contracts of the marts cannot hold" if type
                    else "and no database of that name is attached in the profile")
                ~ ". Name an attached PostgreSQL, DuckDB or MotherDuck, or leave it empty and copy the marts by"
                ~ " account_mapping__export_marts."
            ) -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}
