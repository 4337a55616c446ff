{% macro normaliser_version() -%}
    {#- The version of names, domains and keys. Two parties compare keys of one version only; it equals
        NORMALISER_VERSION in the Python model `normalized`. -#}
    3
{%- endmacro %}
