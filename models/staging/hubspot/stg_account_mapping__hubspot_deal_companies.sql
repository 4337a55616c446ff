{{ config(enabled=account_mapping.uses_crm('hubspot')) }}

with

source as (

    {{ account_mapping.stage_table('hubspot', 'deal_company') }}

),

renamed as (

    select
        ---------- ids
        source_relation,
        source_table,
        source_opportunity_id,
        source_account_id,

        ---------- strings
        upper(association_category) as association_category,
        association_type_id,

        ---------- booleans
        -- 5 is HubSpot's own type of the association with the primary company; labels of users are numbered anew
        coalesce(
            is_primary,
            association_type_id = '5' and coalesce(upper(association_category), 'HUBSPOT_DEFINED') = 'HUBSPOT_DEFINED',
            false
        ) as is_primary,
        is_deleted,
        is_current_version,

        ---------- timestamps
        cast(null as timestamp) as updated_at,
        extracted_at,

        ---------- what could not be read
        row_problem,
        notes

    from source

)

select * from renamed
