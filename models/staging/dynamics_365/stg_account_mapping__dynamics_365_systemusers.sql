{{ config(enabled='dynamics_365' in var('account_mapping__crms', [])) }}

with

source as (

    {{ account_mapping.stage_columns('dynamics_365', 'systemuser', candidates={
        'owner_id': ['systemuserid', 'id'],
        'owner_name': ['fullname'],
        'owner_email': ['internalemailaddress'],
        'is_current_version': ['_fivetran_active'],
    }) }}

),

renamed as (

    select
        ---------- ids
        {{ account_mapping.clean_id('owner_id') }} as owner_id,

        ---------- strings
        {{ account_mapping.clean_text('owner_name') }} as owner_name,
        {{ account_mapping.clean_text('owner_email') }} as owner_email,

        ---------- booleans
        coalesce({{ account_mapping.to_boolean('is_current_version') }}, true) as is_current_version

    from source

)

select * from renamed
