{% macro former_table(model_name, column) %}
    {#- The table that the last run left of a model, if it has `column`; none where there is none, and with --full-refresh.
        For a model that the other one reads: a ref would be a circle. Who hands dbt a manifest may have no graph. -#}
    {%- if execute and not should_full_refresh() -%}
        {%- for node in graph.get('nodes', {}).values() if node.name == model_name and node.resource_type == 'model' -%}
            {%- set relation = adapter.get_relation(node.database, node.schema, node.alias) -%}
            {%- if relation and column in adapter.get_columns_in_relation(relation) | map(attribute='name') -%}
                {{- return(relation) -}}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {{- return(none) -}}
{% endmacro %}
