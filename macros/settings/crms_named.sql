{% macro crms_named(name) %}
    {#- The names of the CRMs in use that a setting means by a name: the one of this name and all of this kind. -#}
    {%- set names = [] -%}
    {%- for instance in account_mapping.crm_instances() if name in (instance['name'], instance['kind']) -%}
        {%- do names.append(instance['name']) -%}
    {%- endfor -%}
    {{- return(names) -}}
{% endmacro %}
