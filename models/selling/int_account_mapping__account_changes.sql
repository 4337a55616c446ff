{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='account_id',
        full_refresh=false,
        database=var('account_mapping__marts_database') or target.get('database'),
    )
}}

with

accounts_with_partners as (

    select * from {{ ref('int_account_mapping__accounts_with_partners') }}

),

{% if is_incremental() -%}
known as (

    select * from {{ this }}

),
{% endif %}
final as (

    -- only what changed is written; a run for an earlier day moves no change back, behind what was pushed already
    select
        accounts_with_partners.account_id,
        accounts_with_partners.row_hash,
        {% if is_incremental() -%}
        greatest(
            cast({{ account_mapping.as_of() }} as {{ dbt.type_timestamp() }}),
            coalesce(known.changed_at, cast({{ account_mapping.as_of() }} as {{ dbt.type_timestamp() }}))
        ) as changed_at
        {%- else -%}
        cast({{ account_mapping.as_of() }} as {{ dbt.type_timestamp() }}) as changed_at
        {%- endif %}

    from accounts_with_partners
    {% if is_incremental() -%}
    left join known
        on accounts_with_partners.account_id = known.account_id
    where
        known.account_id is null
        or known.row_hash <> accounts_with_partners.row_hash
    {%- endif %}

)

select * from final
