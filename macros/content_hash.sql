{% macro content_hash(columns) -%}
    {#- One hash over the values of `columns`. Unit and record separators keep ('a', 'bc') apart from ('ab', 'c')
        and null apart from the empty text. -#}
    {{ dbt.hash(dbt.concat(_content_hash_parts(columns))) }}
{%- endmacro %}

{% macro _content_hash_parts(columns) %}
    {%- set parts = [] -%}
    {%- for column in columns -%}
        {%- do parts.append("coalesce('=' || cast(" ~ column ~ " as " ~ dbt.type_string() ~ "), '-')") -%}
        {%- if not loop.last %}{% do parts.append("'|'") %}{% endif -%}
    {%- endfor -%}
    {{ return(parts) }}
{% endmacro %}
