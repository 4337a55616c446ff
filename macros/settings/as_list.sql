{% macro as_list(value) %}
    {#- A setting that takes one name or several, as a list. -#}
    {%- if value is none -%}
        {{- return([]) -}}
    {%- elif value is string -%}
        {{- return([value]) -}}
    {%- else -%}
        {{- return(value | list) -}}
    {%- endif -%}
{% endmacro %}
