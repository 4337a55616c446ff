{{ config(enabled='hubspot' in var('account_mapping__crms', [])) }}

with

source as (

    {{ account_mapping.stage_columns('hubspot', 'owner', candidates={
        'owner_id': ['owner_id', 'id'],
        'owner_email': ['email'],
        'first_name': ['first_name', 'firstname'],
        'last_name': ['last_name', 'lastname'],
        'is_current_version': ['_fivetran_active'],
    }) }}

),

renamed as (

    select
        ---------- ids
        {{ account_mapping.clean_id('owner_id') }} as owner_id,

        ---------- strings
        coalesce(
            {{ account_mapping.clean_text('first_name') }} || ' ' || {{ account_mapping.clean_text('last_name') }},
            {{ account_mapping.clean_text('first_name') }},
            {{ account_mapping.clean_text('last_name') }}
        ) as owner_name,
        {{ account_mapping.clean_text('owner_email') }} as owner_email,

        ---------- booleans
        coalesce({{ account_mapping.to_boolean('is_current_version') }}, true) as is_current_version

    from source

)

select * from renamed
