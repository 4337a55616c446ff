{#- One table holds the published matrix and the lists that it counts, so that both are kept in one step. The lists of a
    former version, which counted connected groups, have no rollup: their epoch stays frozen, and is not published. -#}
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        on_schema_change='append_new_columns',
        full_refresh=false,
        database=var('account_mapping__marts_database') or target.get('database'),
    )
}}
{{ account_mapping.next_counts(this if is_incremental() else none) }}
