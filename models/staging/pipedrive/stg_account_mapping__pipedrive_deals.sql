{{ config(enabled=account_mapping.uses_crm('pipedrive')) }}

with

source as (

    {{ account_mapping.stage_table('pipedrive', 'deals') }}

),

renamed as (

    select
        ---------- ids
        source_relation,
        source_table,
        source_opportunity_id,
        source_account_id,
        cast(null as {{ dbt.type_string() }}) as merged_source_opportunity_ids,
        stage_id,
        {{ account_mapping.clean_id(
            account_mapping.object_field('owner', ['id', 'value'], otherwise_itself=true)
        ) }} as owner_id,

        ---------- strings
        coalesce(
            {{ account_mapping.clean_text(account_mapping.object_field('owner', ['name'])) }}, owner_name
        ) as owner_name,
        {{ account_mapping.clean_text(account_mapping.object_field('owner', ['email'])) }} as owner_email,
        deal_name,
        stage,
        lower(status) as status,
        raw_amount,
        currency,

        ---------- numerics
        amount,
        {{ account_mapping.win_probability('probability', 100) }} as probability,

        ---------- booleans
        -- an open deal that was archived is no pipeline any more; one that was won or lost keeps its state
        case
            when lower(status) in ('won', 'lost') or is_archived then true
            when lower(status) = 'open' then false
        end as is_closed,
        case
            when lower(status) = 'won' then true
            when lower(status) in ('lost', 'open') or is_archived then false
        end as is_won,
        is_deleted or coalesce(lower(status) = 'deleted', false) as is_deleted,
        is_current_version,

        ---------- timestamps
        coalesce(
            case
                when lower(status) = 'won' then won_at
                when lower(status) = 'lost' then lost_at
            end,
            expected_close_date
        ) as close_date,
        created_date,
        updated_at,
        extracted_at,

        ---------- what could not be read
        row_problem,
        notes

    from source

)

select * from renamed
