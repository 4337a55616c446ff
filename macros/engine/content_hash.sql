{% macro content_hash(columns, relation=none) -%}
    {#- One hash over the values of `columns`, of `relation` where a join has several. Unit and record separators keep
        ('a', 'bc') apart from ('ab', 'c') and null apart from the empty text. -#}
    {{ dbt.hash(dbt.concat(account_mapping._content_hash_parts(columns, relation))) }}
{%- endmacro %}

{% macro _content_hash_parts(columns, relation) %}
    {%- set parts = [] -%}
    {%- for column in columns -%}
        {%- set value = relation ~ '.' ~ column if relation else column -%}
        {%- do parts.append("coalesce('=' || cast(" ~ value ~ " as " ~ dbt.type_string() ~ "), '-')") -%}
        {%- if not loop.last %}{% do parts.append("'|'") %}{% endif -%}
    {%- endfor -%}
    {{ return(parts) }}
{% endmacro %}
