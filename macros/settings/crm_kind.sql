{% macro crm_kind(source_relation) -%}
    {#- The kind of the CRM that a source_relation names, as an expression. -#}
    {%- set instances = account_mapping.crm_instances() -%}
    {%- if instances | length == 0 -%}
        {{ source_relation }}
    {%- else -%}
        case {{ source_relation }}
            {%- for instance in instances %}
            when '{{ instance['name'] }}' then '{{ instance['kind'] }}'
            {%- endfor %}
        end
    {%- endif -%}
{%- endmacro %}
