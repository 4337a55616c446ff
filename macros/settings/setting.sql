{% macro setting(name, required, optional={}) %}
    {#- One settings seed, or what replaces it, with every column typed: optional columns that a replacement
        leaves out become typed nulls; a missing required column is one clear error. -#}
    {%- set relation = ref(name) -%}
    {%- set present = [] -%}
    {%- if execute -%}
        {%- for column in adapter.get_columns_in_relation(relation) -%}
            {%- do present.append(column.name | lower) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- set text = dbt.type_string() -%}
    {%- for column in required if present and column not in present -%}
        {%- do exceptions.raise_compiler_error(
            "account_mapping: the settings table " ~ name ~ " has no column `" ~ column ~ "`. It needs: "
            ~ (required.keys() | join(", ")) ~ (("; optional: " ~ (optional.keys() | join(", "))) if optional else "")
            ~ "."
        ) -%}
    {%- endfor -%}
    {%- set columns = dict(required, **optional) -%}
    select
    {%- for column, type in columns.items() %}
        {% if column not in present -%}
            cast(null as {{ type }}) as {{ adapter.quote(column) }}
        {%- elif type == text -%}
            nullif(trim(cast({{ adapter.quote(column) }} as {{ type }})), '') as {{ adapter.quote(column) }}
        {%- else -%}
            {{ dbt.safe_cast("nullif(trim(cast(" ~ adapter.quote(column) ~ " as " ~ text ~ ")), '')", type) }}
                as {{ adapter.quote(column) }}
        {%- endif %}
        {%- if not loop.last %},{% endif %}
    {%- endfor %}
    from {{ relation }}
{% endmacro %}
