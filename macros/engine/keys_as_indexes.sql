{% macro keys_as_indexes(relation) %}
    {#- A statement to run after a model was made, in its transaction; nothing on most engines.

        In an attached PostgreSQL the keys of a contract become unique indexes. dbt-duckdb drops the indexes of a table
        before it takes another one's place, and PostgreSQL keeps an index that a key stands on. -#}
    {%- set kinds = [] -%}
    {%- for constraint in (model.get('constraints') or []) -%}
        {%- do kinds.append(constraint['type']) -%}
    {%- endfor -%}
    {%- if execute and ('primary_key' in kinds or 'unique' in kinds) -%}
        {{- return(adapter.dispatch('keys_as_indexes', 'account_mapping')(relation)) -}}
    {%- endif -%}
{% endmacro %}

{% macro default__keys_as_indexes(relation) %}
{% endmacro %}

{% macro duckdb__keys_as_indexes(relation) %}
    {%- if account_mapping.attached_type(relation.database) != 'postgres' -%}
        {{- return('') -}}
    {%- endif -%}
    {%- set statement -%}
        do $block$
        declare key record;
        begin
            for key in
                select conname, conrelid::regclass as of_table, (
                    select string_agg(quote_ident(attname), ', ' order by place)
                    from unnest(conkey) with ordinality as part (number, place)
                    inner join pg_attribute on attrelid = conrelid and attnum = part.number
                ) as columns
                from pg_constraint
                where contype in ('p', 'u') and conrelid = to_regclass({{ account_mapping._text_literal(relation.include(database=false)) }})
            loop
                execute format('alter table %s drop constraint %I', key.of_table, key.conname);
                execute format('create unique index on %s (%s)', key.of_table, key.columns);
            end loop;
        end $block$
    {%- endset -%}
    {{- return("call postgres_execute(" ~ account_mapping._text_literal(relation.database) ~ ", "
        ~ account_mapping._text_literal(statement) ~ ")") -}}
{% endmacro %}
